/** Where a scenario takes place: a folder of its own, the programs it may find, the cluster it talks to. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, readFileSync, realpathSync, rmdirSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { FERRY } from './ferry.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCENARIOS = join(ROOT, 'test/scenario')

/** In every secret of a scenario, so that it can be looked for. */
const MARK = 's3cr3t'
export const MANAGEMENT_TOKEN = `apim_${MARK}_of_the_management`

const PROGRAMS =
  'bash cat chmod cp date dd env find gzip grep head kill ln ls mkdir mount mv node openssl printf rm rmdir sed setpriv sh sleep sort stat tail timeout touch truncate umount zcat mkfifo'

export interface World {
  folder: string
  /** What varies and its name, for {@link nameWhatVaries}. */
  places: [string, string][]
  run(command: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }>
  write(path: string, content: string): Promise<void>
  /** Secrets found where none belongs; empty when all is well. */
  leaks(output: string): Promise<string[]>
  close(): Promise<void>
}

/** Why a scenario cannot be played here; `undefined` when it can. */
export function missing(needs: readonly string[]): string | undefined {
  for (const need of needs) {
    if (need === 'openssl' && find('openssl') === undefined) return 'there is no openssl'
    if (need === 'setpriv' && (process.getuid?.() !== 0 || find('setpriv') === undefined))
      return 'another user can be taken on by root only'
    if (need === 'tmpfs' && !canMount()) return 'only root may mount a small disk'
  }
  return undefined
}

export async function openWorld(needs: readonly string[]): Promise<World> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'influx-ferry-scenario-')))
  const bin = join(folder, '.bin')
  await mkdir(bin)
  await mkdir(join(folder, '.tmp'))
  await installPrograms(bin, needs)
  await cp(join(SCENARIOS, 'start'), folder, { recursive: true })
  const sandbox = await startNeeded(needs, folder)
  const url = sandbox?.url ?? 'http://127.0.0.1:1'
  const env = {
    PATH: bin,
    HOME: folder,
    LANG: 'C.UTF-8',
    EXAMPLES: join(ROOT, 'examples'),
    INFLUX_URL: url,
    SANDBOX_PORT: String(sandbox?.port ?? 1),
    TMPDIR: join(folder, '.tmp'),
    INFLUX_MANAGEMENT_TOKEN: MANAGEMENT_TOKEN,
  }
  const given = new Set(await readdir(join(SCENARIOS, 'start')))
  return {
    folder,
    places: [
      [folder, '<folder>'],
      [join(ROOT, 'examples'), '<examples>'],
      [url, '<cluster>'],
      [ROOT, '<repository>'],
      [`:${sandbox?.port}`, ':<port>'],
    ],
    async run(command) {
      const child = spawn('bash', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let [stdout, stderr] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      const [exitCode] = (await once(child, 'close')) as [number | null]
      return { exitCode, stdout, stderr }
    },
    async write(path, content) {
      given.add(path)
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
      if (content.startsWith('#!')) await chmod(join(folder, path), 0o755)
    },
    leaks: (output) => leaksIn(folder, output, given),
    async close() {
      await sandbox?.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Only these are on PATH: what the machine has besides does not matter. */
async function installPrograms(bin: string, needs: readonly string[]): Promise<void> {
  for (const program of PROGRAMS.split(' ')) {
    const path = program === 'node' ? process.execPath : find(program)
    if (path !== undefined) await symlink(path, join(bin, program))
  }
  const script = `#!/bin/sh\nexec node '${FERRY}' "$@"\n`
  await writeFile(join(bin, 'influx-ferry'), script, { mode: 0o755 })
  for (const need of needs)
    if (need === 'influx_inspect' || need === 'influxctl')
      await cp(join(SCENARIOS, 'bin', need), join(bin, need))
}

/** `sandbox`, `sandbox with TLS`, `sandbox with FAULT`. */
async function startNeeded(needs: readonly string[], folder: string): Promise<Sandbox | undefined> {
  const [, extra] =
    needs.map((need) => /^sandbox(?: with (.*))?$/.exec(need)).find((match) => match !== null) ?? []
  if (!needs.some((need) => need.startsWith('sandbox'))) return undefined
  return startSandbox({
    managementToken: MANAGEMENT_TOKEN,
    ...(extra === 'TLS' && { tls: certificate(folder) }),
    ...(extra !== undefined && extra !== 'TLS' && { faults: extra.split(' and ') }),
  })
}

/** For `localhost`, not for `127.0.0.1`, signed by nobody. */
function certificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.pem')]
  const self = 'req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost'
  execFileSync('openssl', [...self.split(' '), '-days', '2', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

/** Secrets belong into token files of mode 0600, and into what the scenario itself wrote down. */
async function leaksIn(folder: string, output: string, given: ReadonlySet<string>): Promise<string[]> {
  const leaks: string[] = []
  const secrets = [MARK]
  const files: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1)
    if (!entry.isFile() || path.startsWith('.bin/') || given.has(path)) continue
    if (!path.endsWith('.token')) files.push(path)
    else {
      secrets.push((await readFile(join(folder, path), 'utf8')).trim())
      const { mode } = await lstat(join(folder, path))
      if ((mode & 0o777) !== 0o600) leaks.push(`${path} has mode ${(mode & 0o777).toString(8)}`)
    }
  }
  for (const file of files) {
    const content = await readFile(join(folder, file), 'latin1')
    if (secrets.some((secret) => content.includes(secret))) leaks.push(`a secret is in ${file}`)
  }
  if (secrets.some((secret) => output.includes(secret)) || /apiv1_[\w-]{20}/.test(output))
    leaks.push('a secret is in the output')
  return leaks
}

function find(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'influx-ferry-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
}
