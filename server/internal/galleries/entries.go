package galleries

import (
	"context"

	"google.golang.org/protobuf/proto"

	"siamese/gallery"
	pb "siamese/proto/siamese/v1"
	"siamese/server/access"
	"siamese/server/internal/fault"
)

// What calls may ask for.
const (
	maxRemoved      = 1000 // ids and things of one RemoveEntries
	maxPageSize     = 1000
	defaultPageSize = 100
)

// RemoveEntries removes entries by their ids and things.
func (s *Service) RemoveEntries(ctx context.Context, req *pb.RemoveEntriesRequest) (*pb.RemoveEntriesResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Write)
	if err != nil {
		return nil, err
	}
	if err := fault.CheckCount("ids", len(req.GetIds())+len(req.GetThings()), maxRemoved); err != nil {
		return nil, err
	}
	lock := s.lockOf(info.Name)
	lock.RLock()
	defer lock.RUnlock()
	defer s.counts.forget(info.Name)
	removed := 0
	if len(req.GetIds()) > 0 {
		if removed, err = s.cfg.Store.Remove(ctx, info.Name, req.GetIds()); err != nil {
			return nil, s.storeError(ctx, info.Name, err)
		}
	}
	for _, thing := range req.GetThings() {
		n, err := s.cfg.Store.RemoveThing(ctx, info.Name, thing)
		if err != nil {
			return nil, s.storeError(ctx, info.Name, err)
		}
		removed += n
	}
	return &pb.RemoveEntriesResponse{Removed: uint64(removed)}, nil
}

// GetEntry returns one entry.
func (s *Service) GetEntry(ctx context.Context, req *pb.GetEntryRequest) (*pb.GetEntryResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Read)
	if err != nil {
		return nil, err
	}
	if err := gallery.CheckID(req.GetId()); err != nil {
		return nil, fault.Unusable(fault.ReasonEntryID, "id", err)
	}
	found, err := s.cfg.Store.Get(ctx, info.Name, []string{req.GetId()}, gallery.Parts{
		Embedding: req.GetIncludeEmbedding(), Picture: req.GetIncludePicture(), Thumbnail: req.GetIncludeThumbnail(),
	})
	if err != nil {
		return nil, s.storeError(ctx, info.Name, err)
	}
	if len(found) == 0 {
		return nil, fault.EntryNotFound(req.GetId())
	}
	model, _ := s.served(info)
	return &pb.GetEntryResponse{Entry: narrator{model}.entry(&found[0], req.GetIncludeEmbedding())}, nil
}

// ListEntries returns a page of entries.
func (s *Service) ListEntries(ctx context.Context, req *pb.ListEntriesRequest) (*pb.ListEntriesResponse, error) {
	info, err := s.enter(ctx, req.GetGallery(), access.Read)
	if err != nil {
		return nil, err
	}
	listing, err := s.listing(info, req)
	if err != nil {
		return nil, err
	}
	model, _ := s.served(info)
	page := page{
		narrator: narrator{model},
		left:     listing.Limit,
		room:     s.cfg.MaxMessageBytes - pageOverhead,
		answer:   &pb.ListEntriesResponse{},
	}
	for {
		listing.Limit = min(page.left+1, listedAtOnce) // one more says that there is a next page
		found, err := s.cfg.Store.List(ctx, info.Name, listing)
		if err != nil {
			return nil, s.storeError(ctx, info.Name, err)
		}
		if !page.add(found) {
			page.answer.NextPageToken = pageToken(req, page.last)
			return page.answer, nil
		}
		if len(found) < listing.Limit {
			return page.answer, nil
		}
		listing.After = page.last
	}
}

// listedAtOnce is how many entries are read at a time: those that fit no page any more
// are read in vain.
const listedAtOnce = 128

// pageOverhead is room for what a page has beside entries.
const pageOverhead = 4 << 10

// page is entries of a list until it is full.
type page struct {
	narrator
	left   int // entries that it has room for
	room   int // bytes
	last   string
	answer *pb.ListEntriesResponse
}

// add appends entries and reports whether there was room for all. The first entry always
// fits.
func (p *page) add(entries []gallery.Entry) bool {
	for i := range entries {
		told := p.entry(&entries[i], false)
		size := proto.Size(told) + fieldBytes
		if p.left == 0 || size > p.room && len(p.answer.GetEntries()) > 0 {
			return false
		}
		p.answer.Entries = append(p.answer.Entries, told)
		p.left, p.room, p.last = p.left-1, p.room-size, entries[i].ID
	}
	return true
}

// fieldBytes is the most that a message in a list has before it.
const fieldBytes = 6

// listing is what a request asks for.
func (s *Service) listing(info gallery.Info, req *pb.ListEntriesRequest) (gallery.Listing, error) {
	listing := gallery.Listing{
		Limit: defaultPageSize, Filter: req.GetFilter(), Thing: req.GetThing(),
		With: gallery.Parts{Thumbnail: req.GetIncludeThumbnails()},
	}
	if req.GetStaleOnly() {
		listing.NotOfModel = info.ModelDigest
	}
	if req.GetPageSize() > 0 {
		listing.Limit = int(min(req.GetPageSize(), maxPageSize))
	}
	if err := fault.CheckMost("page_size", fault.ReasonPageSize, req.GetPageSize(), maxPageSize); err != nil {
		return listing, err
	}
	if err := checkFilter(req.GetFilter()); err != nil {
		return listing, err
	}
	if err := gallery.CheckThing(req.GetThing()); err != nil {
		return listing, fault.Unusable(fault.ReasonEntryThing, "thing", err)
	}
	after, err := readPageToken(req)
	listing.After = after
	return listing, err
}

// checkFilter refuses what no entry can have, so that none is searched for it.
func checkFilter(filter map[string]string) error {
	if err := gallery.CheckMetadata(filter); err != nil {
		return fault.Unusable(fault.ReasonEntryMetadata, "filter", err)
	}
	return nil
}
