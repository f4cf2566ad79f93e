/**
 * A real influxd 1.x of a test's own, in its own folder and on ports of its own. Plain JavaScript, so that the bench and
 * the sample's script run it without a build; tests import `influxd.ts`, which adds queries. Types: influxd-server.d.mts.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const LISTENING = /Listening on HTTP.*addr[="]+:?"?(?:\[[^\]]*\]|[\d.]+):(\d+)/

export async function startInfluxdServer(options = {}) {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'influxd-')))
  const dirs = { data: join(dir, 'data'), wal: join(dir, 'wal'), meta: join(dir, 'meta') }
  let settings = { snapshotAfter: '1s', retentionEnforced: false, ...options }
  let port = 0
  let running

  async function start() {
    await mkdir(dir, { recursive: true })
    const config = join(dir, 'influxdb.conf')
    await writeFile(config, configuration(dirs, settings, port))
    running = await launch('influxd', ['-config', config], LISTENING)
    port = Number(running.match[1])
  }

  async function end(signal) {
    running?.child.kill(signal)
    await running?.ended
    running = undefined
  }

  async function post(path, body, headers = {}) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body, headers })
    const text = await response.text()
    if (!response.ok)
      throw new Error(`influxd answered ${response.status} to ${path}: ${text.slice(0, 2000)}`)
    return text
  }

  await start()
  return {
    dir,
    dirs,
    get url() {
      return `http://127.0.0.1:${port}`
    },
    get pid() {
      return running?.child.pid
    },
    async write(lines, db, rp) {
      const target = new URLSearchParams({ db, precision: 'ns', ...(rp === undefined ? {} : { rp }) })
      await post(`/write?${target}`, typeof lines === 'string' ? lines : lines.join('\n'))
    },
    async writeGzip(gzip, db, rp) {
      const target = new URLSearchParams({ db, precision: 'ns', ...(rp === undefined ? {} : { rp }) })
      await post(`/write?${target}`, gzip, { 'content-encoding': 'gzip' })
    },
    /** Runs statements and returns the JSON text; a statement's error is thrown. */
    async execute(q, db) {
      const parameters = new URLSearchParams({ q, epoch: 'ns', ...(db === undefined ? {} : { db }) })
      const text = await post('/query', parameters)
      const error = /"error":("(?:[^"\\]|\\.)*")/.exec(text.slice(0, 1000))
      if (error) throw new Error(`influxd: ${JSON.parse(error[1])} (${q})`)
      return text
    },
    /** Waits until every WAL has been turned into TSM files. Needs a short `snapshotAfter`. */
    async snapshotted() {
      const deadline = Date.now() + 60_000
      while ((await walBytes(dirs.wal)) > 0) {
        if (Date.now() > deadline)
          throw new Error(`influxd still has ${await walBytes(dirs.wal)} bytes of WAL after 60 s`)
        await sleep(100)
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    /** Stops, and starts again with the same files and port. `changes` override the first options. */
    async restart(changes = {}) {
      await end('SIGTERM')
      settings = { ...settings, ...changes }
      await start()
    },
    /** Stops and removes the folder. */
    async remove() {
      await end('SIGTERM')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/**
 * Starts a server and waits for the line in its output that says it listens.
 * Ends it when this process ends, so that a failed test leaves none behind.
 */
export async function launch(program, args, listening, milliseconds = 60_000) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  let output = ''
  let found
  const match = new Promise((resolve, reject) => {
    const listen = (text) => {
      output = (output + text).slice(-100_000)
      found ??= listening.exec(output) ?? undefined
      if (found) resolve(found)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', listen)
    const timer = setTimeout(
      () => reject(new Error(`${program} does not listen after ${milliseconds} ms:\n${output}`)),
      milliseconds,
    )
    timer.unref()
    child.once('error', (error) =>
      reject(new Error(`${program}: ${error.message} (run scripts/install-test-servers.sh)`)),
    )
    child.once('exit', (code, signal) =>
      reject(new Error(`${program} ended at once (${code ?? signal}):\n${output}`)),
    )
  })
  const ended = new Promise((resolve) => {
    child.once('error', resolve)
    child.once('exit', resolve)
  }).then(() => process.off('exit', atExit))
  try {
    return { child, ended, match: await match, output: () => output }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

async function walBytes(dir) {
  const names = await readdir(dir, { recursive: true }).catch(() => [])
  const sizes = names
    .filter((name) => name.endsWith('.wal'))
    .map((name) =>
      stat(join(dir, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

const configuration = (dirs, settings, port) => `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = ${JSON.stringify(dirs.meta)}
[data]
  dir = ${JSON.stringify(dirs.data)}
  wal-dir = ${JSON.stringify(dirs.wal)}
  index-version = "${settings.indexVersion ?? 'inmem'}"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
  cache-snapshot-write-cold-duration = "${settings.snapshotAfter}"
[retention]
  enabled = ${settings.retentionEnforced}
[shard-precreation]
  enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  max-body-size = 0
`
