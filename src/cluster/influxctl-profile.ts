/** A profile of influxctl's, for as long as a run lasts: the way a management token reaches it without `ps` showing it. */
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import type { Address } from './http.ts'

export interface TemporaryProfile {
  /** The configuration file, 0600 in a folder of its own (0700). */
  path: string
  name: string
  /** Removes file and folder; so does the end of the process. */
  remove(): Promise<void>
}

const NAME = 'influx-ferry'

export async function writeTemporaryProfile(target: Address, token: string): Promise<TemporaryProfile> {
  const folder = await mkdtemp(join(tmpdir(), 'influx-ferry-'))
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
