# docker build -t opensearch-memory-gateway .
#
# Both bases by digest: a tag may come to mean another image. Renew them with `docker buildx imagetools inspect NAME:TAG`.
FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY deploy/build ./deploy/build
COPY src ./src
RUN npm run build
# V8's code for the modules that a start loads, so that it need not compile them. Node looks for it under its version and the user's number.
RUN install -d -o 65532 -g 65532 compile-cache \
  && NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache setpriv --reuid=65532 --regid=65532 --clear-groups node dist/cli.js demo --once \
  && chmod -R a+rX compile-cache

# Nothing but libc and libstdc++: no shell, no package manager, and the Node that built it.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
WORKDIR /app
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache MEMORY_GATEWAY_OPS_PORT=9090
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/package.json ./
COPY --from=build /app/compile-cache ./compile-cache
COPY --from=build /app/dist ./dist
COPY config/openapi.yaml ./config/
# A number: Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["/usr/local/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.MEMORY_GATEWAY_OPS_PORT}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/local/bin/node", "dist/cli.js"]
CMD ["start", "--config", "/etc/memory-gateway/gateway.yaml"]
