package proxy

import (
	"io"
	"net/http"
)

// send passes an answer on as it is: first is what was read of its body already.
func (x *exchange) send(resp *http.Response, first []byte) {
	announceTrailers(x.w.Header(), resp)
	x.w.WriteHeader(resp.StatusCode)
	if len(first) > 0 {
		if _, err := x.w.Write(first); err != nil {
			x.broken = err
			return
		}
	}
	left := resp.ContentLength
	if left >= 0 {
		left -= int64(len(first))
	}
	x.copy(resp.Body, left)
	if x.broken == nil {
		sendTrailers(x.w.Header(), resp)
	}
}

// copy passes a body on. What has come is sent at once where there is nothing
// more at the moment; left is how much is still to come, negative where nobody
// knows.
func (x *exchange) copy(body io.Reader, left int64) {
	if body == http.NoBody || x.in.Method == http.MethodHead {
		return
	}
	buf := takeBuffer(window)
	defer giveBuffer(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if left > 0 {
				left -= int64(n)
			}
			_, werr := x.w.Write((*buf)[:n])
			if werr == nil && err == nil && n < len(*buf) && left != 0 {
				werr = http.NewResponseController(x.w).Flush()
			}
			if werr != nil {
				x.broken = werr
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				x.broken = err
			}
			return
		}
	}
}

// announceTrailers tells which trailers the answer may end with.
func announceTrailers(h http.Header, resp *http.Response) {
	for name := range resp.Trailer {
		h.Add("Trailer", name)
	}
}

// sendTrailers passes the trailers on, announced or not.
func sendTrailers(h http.Header, resp *http.Response) {
	if len(resp.Trailer) == 0 {
		return
	}
	announced := h["Trailer"]
	for name, values := range resp.Trailer {
		if oneOf(name, announced) {
			h[name] = values
		} else {
			h[http.TrailerPrefix+name] = values
		}
	}
}
