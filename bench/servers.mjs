// Targets for the bench: each starts fresh, and is gone after it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch, startInfluxdServer } from '../test/rig/influxd-server.mjs'

if (process.argv[1] === import.meta.filename) count()

/** A server that only counts: every body is read and forgotten. `api`, `url`, `expect(rows, bytes)`, `remove()`. */
export async function countingServer() {
  const child = spawn(process.execPath, [import.meta.filename], { stdio: ['pipe', 'pipe', 'inherit'] })
  const url = await new Promise((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text).trim())),
  )
  return {
    api: 'v1',
    url,
    async expectRows() {
      const { requests, bytes } = await (await fetch(`${url}/counts`)).json()
      if (requests === 0 || bytes === 0) throw new Error('nothing came')
    },
    async remove() {
      child.kill()
    },
  }
}

/** In a process of its own. */
function count() {
  const counts = { requests: 0, bytes: 0 }
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/counts') return response.end(JSON.stringify(counts))
    request.on('data', (chunk) => (counts.bytes += chunk.length))
    request.on('end', () => {
      if (request.url.includes('write')) counts.requests += 1
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
}

/** influxd, over v1. */
export async function influxdServer(database) {
  const influxd = await startInfluxdServer({ snapshotAfter: '10m' })
  await influxd.execute(`CREATE DATABASE ${database}`)
  return {
    api: 'v1',
    url: influxd.url,
    async expectRows(measurement, rows) {
      const answer = JSON.parse(await influxd.execute(`SELECT count(*) FROM ${measurement}`, database))
      const counts = answer.results[0].series?.[0].values[0].slice(1) ?? []
      if (counts.length === 0 || counts.some((count) => count !== rows))
        throw new Error(`${measurement}: ${rows} rows expected, counts are ${counts.join(', ') || 'none'}`)
    },
    remove: () => influxd.remove(),
  }
}

/** victoria-metrics, over v2. */
export async function victoriaMetricsServer() {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'))
  const port = 20_000 + (process.pid % 10_000)
  const url = `http://127.0.0.1:${port}`
  const { child, ended } = await launch(
    'victoria-metrics',
    [`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${dir}`, '-retentionPeriod=100y'],
    /starting http server at/,
  )
  const ask = (path) => fetch(url + path).catch(() => ({ ok: false }))
  while (!(await ask('/health')).ok) await sleep(20)
  return {
    api: 'v2',
    url,
    async expectRows(measurement) {
      await ask('/internal/force_flush')
      const query = new URLSearchParams({
        'match[]': `{__name__=~"${measurement}_.+"}`,
        start: '2020-01-01T00:00:00Z',
        end: '2030-01-01T00:00:00Z',
      })
      const { data } = await (await ask(`/api/v1/series?${query}`)).json()
      if (data.length === 0) throw new Error(`nothing of ${measurement} came`)
    },
    async remove() {
      child.kill('SIGTERM')
      await ended
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
