/** A profile of influxctl's, for as long as a run lasts: the way a management token reaches it without `ps` showing it. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { removeLeftBehind } from '../io/left-behind.ts'
import type { Address } from './http.ts'

export interface TemporaryProfile {
  /** The configuration file, 0600 in a folder of its own (0700). */
  path: string
  name: string
  /** Removes file and folder; so does the end of the process. */
  remove(): Promise<void>
}

const NAME = 'influx-ferry'
/** With the host: the folder may be shared with containers, whose processes are not seen here. */
const PREFIX = `influx-ferry-profile-${hostname()}-`

/** Those that killed runs left, with the management token in them. */
export async function removeLeftProfiles(): Promise<void> {
  await removeLeftBehind(tmpdir(), PREFIX, /^(\d+)-/)
}

export async function writeTemporaryProfile(target: Address, token: string): Promise<TemporaryProfile> {
  await removeLeftProfiles()
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const onExit = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', onExit)
  const path = join(folder, 'config.toml')
  await writeFile(path, stringify({ profile: [profileOf(target, token)] }), { mode: 0o600, flag: 'wx' })
  return {
    path,
    name: NAME,
    async remove() {
      await rm(folder, { recursive: true, force: true })
      process.removeListener('exit', onExit)
    },
  }
}

/** Documented keys only: influxctl refuses a file with any other. */
function profileOf({ url, tls }: Address, token: string): Record<string, unknown> {
  const { hostname, port, protocol } = new URL(url)
  const plain = protocol === 'http:'
  const tlsKeys = {
    ...(plain && { disable: true }),
    ...(tls.insecure && { insecure: true }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
  }
  return {
    name: NAME,
    product: 'clustered',
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (plain ? '80' : '443') : port, // a string, as influxctl wants it
    mgmt_token: token,
    ...(Object.keys(tlsKeys).length > 0 && { tls: tlsKeys }),
  }
}
