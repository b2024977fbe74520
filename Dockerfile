# Two images from one file: `countersign`, the server and nothing else (the default), and `demo`, the issuer, the upstream, the
# MCP server and the certificates of docker-compose.yml. Envoy and Prometheus come as their projects publish them.
#
#   docker build -t countersign .
#   docker build -t countersign-demo --target demo .

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin countersign --example demo

# What both images have in common: a user that is not root and owns nothing but the folders of certificates and state, and the
# authorities that key sets on the internet are verified with.
FROM debian:bookworm-slim AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin countersign \
 && mkdir -p /srv/countersign/target/demo/certs /var/lib/countersign \
 && chown 10001 /srv/countersign/target/demo/certs /var/lib/countersign
WORKDIR /srv/countersign
USER 10001

FROM base AS demo
COPY --from=build /src/target/release/examples/demo /usr/local/bin/demo
ENTRYPOINT ["demo"]

# The configuration is not in the image: mount it at /srv/countersign/config. Mount the folder and not single files, so that edits
# (and Kubernetes' swapped links) are seen.
FROM base AS countersign
COPY --from=build /src/target/release/countersign /usr/local/bin/countersign
# What outlives the process: mount a volume here, or it ends with the container.
ENV COUNTERSIGN_STORE=/var/lib/countersign/state.db
# gRPC for Envoy, metrics and health, and the admin listener.
EXPOSE 9191 9192 9193
# `bash` is the only HTTP client in this image.
HEALTHCHECK --interval=2s --timeout=2s --start-period=10s --retries=5 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9192 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
