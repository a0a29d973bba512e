use std::ops::Range;

/// Splits a list into ranges of at most `count` items whose sizes add up to at most
/// `bytes`. An item that alone is larger has a range of its own: the server says what
/// is wrong with it. An empty list is one empty range, so that the server can say what
/// it thinks of it.
pub(crate) fn split(
    sizes: impl IntoIterator<Item = usize>,
    count: usize,
    bytes: usize,
) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut end, mut held) = (0, 0, 0usize);
    for size in sizes {
        if end > start && (end - start >= count.max(1) || held.saturating_add(size) > bytes) {
            ranges.push(start..end);
            (start, held) = (end, 0);
        }
        end += 1;
        held = held.saturating_add(size);
    }
    ranges.push(start..end);
    ranges
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_by_count_and_bytes() {
        assert_eq!(split([], 3, 10), vec![0..0]);
        assert_eq!(split([1, 1, 1], 3, 10), vec![0..3]);
        assert_eq!(split([1, 1, 1, 1], 3, 10), vec![0..3, 3..4]);
        assert_eq!(split([6, 6, 4, 11, 1], 3, 10), vec![0..1, 1..3, 3..4, 4..5]);
        assert_eq!(split([1, 1], 0, 10), vec![0..1, 1..2]);
    }
}
