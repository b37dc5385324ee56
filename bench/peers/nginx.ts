import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { endOf } from '../world.ts'
import type { BenchIssuer, Running } from '../world.ts'
import { freePort, waitForPort } from './ports.ts'

export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0
}

/** nginx as one process, without any check of the token. */
export async function startNginx(upstream: string, issuer: BenchIssuer): Promise<Running> {
  const port = await freePort()
  const folder = join(issuer.folder, 'nginx')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log ${folder}/access.log;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 200m;
  keepalive_requests 10000000;
  upstream nodes { server ${new URL(upstream).host}; keepalive 256; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${String(port)};
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
}
`,
  )
  const startedAt = performance.now()
  const child = spawn('nginx', ['-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'ignore'] })
  await waitForPort(port)
  const url = `http://127.0.0.1:${String(port)}`
  return { pid: child.pid ?? 0, url, readyAfterMs: performance.now() - startedAt, stop: () => endOf(child) }
}
