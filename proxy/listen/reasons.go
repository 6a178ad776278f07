package listen

// reason says why a connection was refused; none where it was not. The set is
// closed, so that it can be a metric's label.
type reason string

const none reason = ""

// The reasons that [Options.Refused] is told.
const (
	ReasonConnections     = "too many connections"
	ReasonHandshake       = "TLS handshake"
	ReasonRequestLine     = "request line"
	ReasonHeaderSize      = "header size"
	ReasonHeaderLine      = "header line"
	ReasonLineEnd         = "line end"
	ReasonFolding         = "folded header"
	ReasonControl         = "control byte"
	ReasonHost            = "host"
	ReasonLength          = "content-length"
	ReasonCoding          = "transfer-encoding"
	ReasonLengthAndCoding = "content-length and transfer-encoding"
	ReasonChunk           = "chunk"
	ReasonTrailer         = "trailer"
)

// Reasons are all of them.
func Reasons() []string {
	return []string{
		ReasonConnections, ReasonHandshake, ReasonRequestLine, ReasonHeaderSize, ReasonHeaderLine, ReasonLineEnd,
		ReasonFolding, ReasonControl, ReasonHost, ReasonLength, ReasonCoding, ReasonLengthAndCoding, ReasonChunk, ReasonTrailer,
	}
}
