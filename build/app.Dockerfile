# The service: docker build -f build/app.Dockerfile -t jobspawn .
# Both bases are Debian 13 with Node 24. The one that runs has no shell, no package manager and no compiler: the service starts
# nothing but itself. `npm run pin-images` adds the digests.
ARG NODE_IMAGE=node:24-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

FROM ${NODE_IMAGE} AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the optional package that brings a Node of its own: the image has one.
RUN npm ci --omit=dev --omit=optional
RUN ["install", "-d", "-o", "65532", "-g", "65532", "/data"]

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="jobspawn" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY views ./views
COPY public ./public
# A volume takes its owner from here; everything else belongs to root and is read-only to the service.
COPY --from=install --chown=65532:65532 /data /data
VOLUME /data
USER 65532:65532
# Node is in /nodejs there, and on no PATH: `node` must work for the start, for the health check and for `kubectl exec`.
# What Node made of the TypeScript is kept in /tmp, the one place beside the data that can be written to.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin NODE_ENV=production DATABASE_PATH=/data/jobspawn.db \
  NODE_COMPILE_CACHE=/tmp/compile-cache
EXPOSE 8080
# Kubernetes ignores this line and has its own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Semi-spaces of 8 MB instead of 16: less memory, and no slower (docs/performance.md).
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/src/app/main.ts"]
