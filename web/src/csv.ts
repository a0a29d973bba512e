// Tables for spreadsheets.

/** What a spreadsheet would take for the beginning of a formula. */
const formula = /^[\s"']*[=+\-@＝＋－＠|%\t\r]/;

/**
 * A table as CSV (RFC 4180) in UTF-8 with a mark, without which Excel reads another
 * encoding. Texts that a spreadsheet would run as a formula begin with an apostrophe.
 */
export function csv(rows: (string | number | undefined)[][]): Blob {
  const lines = rows.map((row) => row.map(cell).join(",") + "\r\n");
  return new Blob(["\ufeff", ...lines], { type: "text/csv;charset=utf-8" });
}

function cell(value: string | number | undefined): string {
  if (typeof value !== "string") return String(value ?? "");
  const safe = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Has the browser keep a file. */
export function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
}
