# The service: docker build -f build/app.Dockerfile -t jobspawn .
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the optional package that brings a Node of its own: the image has one.
RUN npm ci --omit=dev --omit=optional

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY views ./views
COPY public ./public
# A volume takes its owner from here; everything else belongs to root and is read-only to the service.
RUN install -d -o 65532 -g 65532 /data
VOLUME /data
USER 65532:65532
ENV NODE_ENV=production DATABASE_PATH=/data/jobspawn.db
EXPOSE 8080
# The slim image has no curl. Kubernetes ignores this line and has its own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# A young generation of 4 MB instead of 16 and more: a third less memory, and nothing here makes garbage fast enough to notice.
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/src/app/main.ts"]
