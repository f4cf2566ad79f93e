/** A real victoria-metrics for tests: a second, unrelated server that takes line protocol. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch } from './influxd-server.mjs'

export interface VictoriaMetrics {
  /** Takes v1 `/write?db=` and v2 `/api/v2/write?bucket=`; needs no token and ignores one. */
  readonly url: string
  /** Samples by metric, sorted; it holds floats only, at milliseconds, and a field as `<measurement>_<field>`. */
  exported(match?: string): Promise<VictoriaSeries[]>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

export interface VictoriaSeries {
  /** `__name__`, the tags, and `db` where the request named one. */
  metric: Record<string, string>
  values: number[]
  /** Milliseconds. */
  timestamps: number[]
}

/** Starts victoria-metrics in a temporary folder. It keeps data of the last hundred years. Throws when it is not installed. */
export async function startVictoriaMetrics(): Promise<VictoriaMetrics> {
  const dir = await mkdtemp(join(tmpdir(), 'victoria-metrics-'))
  const port = await freePort() // it does not say which port it got for 0
  const url = `http://127.0.0.1:${port}`
  const { child, ended } = await launch(
    'victoria-metrics',
    [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-storageDataPath=${dir}`,
      '-retentionPeriod=100y',
      '-memory.allowedBytes=256MB',
    ],
    /starting http server at/,
  )
  while (
    !(await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(20) // said just before it listens
  return {
    url,
    async exported(match = '{__name__!=""}') {
      // New samples are searchable after a second at most; this makes them so at once.
      await fetch(`${url}/internal/force_flush`)
      const query = new URLSearchParams({ 'match[]': match, start: '0', end: '9000000000' })
      const text = await (await fetch(`${url}/api/v1/export?${query.toString()}`)).text()
      const lines = text.split('\n').filter((line) => line !== '')
      return lines.sort().map((line) => JSON.parse(line) as VictoriaSeries)
    },
    async remove() {
      child.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
