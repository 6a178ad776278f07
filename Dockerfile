# Browser bundle
FROM node:20-bookworm-slim AS web
WORKDIR /src/replayui/web
COPY replayui/web/package.json replayui/web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY replayui/web/ ./
RUN npm run build

# Program
FROM golang:1.26-bookworm AS go
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/replayui/dist/ replayui/dist/
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /pillion ./cmd/pillion \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=go /pillion /pillion
COPY --from=go --chown=nonroot:nonroot /data /data
ENV PILLION_LISTEN=0.0.0.0:8080 PILLION_CONSOLE=0.0.0.0:8081 PILLION_ADMIN=0.0.0.0:9090 PILLION_DATA=/data
EXPOSE 8080 8081 9090
VOLUME /data
ENTRYPOINT ["/pillion"]
CMD ["serve"]
