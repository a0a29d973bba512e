package fault

// Domain is the domain of every ErrorInfo.
const Domain = "siamese.v1"

// The reasons that errors carry, in ErrorInfo.reason and ItemError.reason,
// beside imaging's own. They are part of the contract and never renamed.
const (
	// ReasonImageUnset: an image has none of its forms set.
	ReasonImageUnset = "IMAGE_UNSET"
	// ReasonReferenceOutsideStream: a reference's name in a unary call.
	ReasonReferenceOutsideStream = "REFERENCE_OUTSIDE_STREAM"
	// ReasonModelMismatch: an embedding that another model made.
	ReasonModelMismatch = "MODEL_MISMATCH"
	// ReasonModelNotFound: the name of a version or label that is not served.
	ReasonModelNotFound = "MODEL_NOT_FOUND"
	// ReasonEmbeddingLength: an embedding of the wrong length.
	ReasonEmbeddingLength = "EMBEDDING_LENGTH"
	// ReasonEmbeddingValue: an embedding with a number that the model can't make, such as NaN.
	ReasonEmbeddingValue = "EMBEDDING_VALUE"

	// ReasonNoItems: an empty list where something is to be done for each.
	ReasonNoItems = "NO_ITEMS"
	// ReasonTooManyItems: a list longer than its limit.
	ReasonTooManyItems = "TOO_MANY_ITEMS"
	// ReasonThresholdRange: a threshold outside 0..1.
	ReasonThresholdRange = "THRESHOLD_RANGE"
	// ReasonTestTimeViews: more views than may be asked for, or than a call may bring.
	ReasonTestTimeViews = "TEST_TIME_VIEWS"
	// ReasonMinSimilarityRange: a least similarity outside 0..1.
	ReasonMinSimilarityRange = "MIN_SIMILARITY_RANGE"

	// ReasonStreamNotOpened: a stream whose first message is no opening.
	ReasonStreamNotOpened = "STREAM_NOT_OPENED"
	// ReasonStreamAlreadyOpen: a second opening on a stream.
	ReasonStreamAlreadyOpen = "STREAM_ALREADY_OPEN"
	// ReasonDropPolicyUnknown: a drop policy that this server does not know.
	ReasonDropPolicyUnknown = "DROP_POLICY_UNKNOWN"
	// ReasonMessageUnreadable: bytes that are no message, or not a whole one.
	ReasonMessageUnreadable = "MESSAGE_UNREADABLE"
	// ReasonMessageUnset: a message of a stream that asks for nothing.
	ReasonMessageUnset = "MESSAGE_UNSET"
	// ReasonReferenceName: an empty or overlong name for a reference.
	ReasonReferenceName = "REFERENCE_NAME"
	// ReasonUnknownReference: a name that no reference of the stream has.
	ReasonUnknownReference = "UNKNOWN_REFERENCE"
	// ReasonTooManyReferences: more references than a stream may hold.
	ReasonTooManyReferences = "TOO_MANY_REFERENCES"
	// ReasonNoReferences: a frame while the stream holds no reference.
	ReasonNoReferences = "NO_REFERENCES"

	// ReasonGalleriesOff: a call for galleries, and the server keeps none.
	ReasonGalleriesOff = "GALLERIES_OFF"
	// ReasonGalleryName: what can't be a gallery's name.
	ReasonGalleryName = "GALLERY_NAME"
	// ReasonGalleryNotFound: the name of no gallery.
	ReasonGalleryNotFound = "GALLERY_NOT_FOUND"
	// ReasonGalleryExists: a gallery of the name that differs from the one wanted.
	ReasonGalleryExists = "GALLERY_EXISTS"
	// ReasonGalleryDenied: the caller has no right to what the call does.
	ReasonGalleryDenied = "GALLERY_DENIED"
	// ReasonGalleryModelChanged: the gallery's embeddings are of weights that the server
	// has not.
	ReasonGalleryModelChanged = "GALLERY_MODEL_CHANGED"
	// ReasonGalleryUnavailable: galleries can't be reached, or another process has one.
	ReasonGalleryUnavailable = "GALLERY_UNAVAILABLE"
	// ReasonTooManyGalleries: as many galleries as the server keeps.
	ReasonTooManyGalleries = "TOO_MANY_GALLERIES"
	// ReasonGalleryFull: as many entries of a gallery as the server keeps.
	ReasonGalleryFull = "GALLERY_FULL"
	// ReasonGalleryStoreFull: the disk of the galleries has no room.
	ReasonGalleryStoreFull = "GALLERY_STORE_FULL"
	// ReasonEntryID: what can't be an entry's id.
	ReasonEntryID = "ENTRY_ID"
	// ReasonEntryThing: what can't be a thing's name.
	ReasonEntryThing = "ENTRY_THING"
	// ReasonEntryMetadata: what can't be an entry's metadata.
	ReasonEntryMetadata = "ENTRY_METADATA"
	// ReasonEntryNotFound: the id of no entry.
	ReasonEntryNotFound = "ENTRY_NOT_FOUND"
	// ReasonPageSize: more entries of a page than there may be.
	ReasonPageSize = "PAGE_SIZE"
	// ReasonPageToken: a token of no page, or of another list's.
	ReasonPageToken = "PAGE_TOKEN"
	// ReasonTopK: more things than may be asked for.
	ReasonTopK = "TOP_K"

	// ReasonQueueFull: no room for the call's images now.
	ReasonQueueFull = "QUEUE_FULL"
	// ReasonTooManyStreams: as many streams are open as the server takes, of all
	// callers or of one.
	ReasonTooManyStreams = "TOO_MANY_STREAMS"
	// ReasonRateLimited: the caller calls more often than it may.
	ReasonRateLimited = "RATE_LIMITED"
	// ReasonServerBusy: all callers together, or this one, have as many calls under way
	// as the server takes, or as many bytes in messages and replies.
	ReasonServerBusy = "SERVER_BUSY"
	// ReasonTooManyCalls: the caller has as many calls under way as it may, or
	// there are more callers than the server keeps track of.
	ReasonTooManyCalls = "TOO_MANY_CALLS"
	// ReasonHeaderTooLong: a call's header is longer than the server takes.
	ReasonHeaderTooLong = "HEADER_TOO_LONG"
	// ReasonNotReady: the server has no model yet.
	ReasonNotReady = "NOT_READY"
	// ReasonDraining: the server is about to stop, or a stream's model to go.
	ReasonDraining = "DRAINING"
	// ReasonDeadlineExceeded: the call's time ran out.
	ReasonDeadlineExceeded = "DEADLINE_EXCEEDED"
	// ReasonCancelled: the caller gave up.
	ReasonCancelled = "CANCELLED"
	// ReasonInternal: a fault of the server's; the log has the details under the
	// incident that the error names.
	ReasonInternal = "INTERNAL"
)

// Reasons that are counted and not told.
const (
	// ReasonUnauthenticated is that of callers without a valid token.
	ReasonUnauthenticated = "UNAUTHENTICATED"

	// ReasonOther stands for errors that are gRPC's own and have no reason of the
	// contract, such as that of a message over the limit.
	ReasonOther = "OTHER"
)
