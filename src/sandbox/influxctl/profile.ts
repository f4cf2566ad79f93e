/** The TOML profile that influxctl reads. An unknown key is an error, as since influxctl 2.0.1. */
import { readFile } from 'node:fs/promises'
import { homedir, platform } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { messageOf } from '../../core/failure.ts'
import { InfluxctlError } from './flags.ts'

export interface Profile {
  /** `https://host:port`. */
  url: string
  database: string | undefined
  token: string | undefined
  managementToken: string | undefined
  tls: { insecure: boolean; ca: string | undefined; cert: string | undefined; key: string | undefined }
}

type Shape = { [key: string]: 'string' | 'boolean' | 'any' | Shape }

const PROFILE: Shape = {
  name: 'string',
  product: 'string',
  host: 'string',
  port: 'string',
  account_id: 'string',
  cluster_id: 'string',
  database: 'string',
  token: 'string',
  mgmt_token: 'string',
  tls: { insecure: 'boolean', disable: 'boolean', cert: 'string', key: 'string', ca: 'string' },
  auth: {
    oauth2: {
      client_id: 'string',
      scopes: 'any',
      parameters: 'any',
      token_url: 'string',
      device_url: 'string',
    },
    token: { token_file: 'string' },
  },
}

/** @throws InfluxctlError */
export async function readProfile(
  path: string | undefined,
  name: string,
  env: NodeJS.ProcessEnv,
): Promise<Profile> {
  const file = path ?? env.INFLUXCTL_PROFILE ?? defaultPath(env)
  const profiles = profilesOf(file, await read(file))
  const profile = profiles.find((candidate) => (candidate.name ?? 'default') === name)
  if (profile === undefined) throw new InfluxctlError(`profile "${name}" not found in ${file}`)
  if (profile.product !== 'clustered')
    throw new InfluxctlError(`profile "${name}": the sandbox stands in for product = "clustered" only`)
  const host = text(profile.host)
  if (host === undefined) throw new InfluxctlError(`profile "${name}": host is required`)
  const tls = (profile.tls ?? {}) as Record<string, unknown>
  return {
    url: `${tls.disable === true ? 'http' : 'https'}://${host}:${text(profile.port) ?? '443'}`,
    database: text(profile.database),
    token: text(profile.token),
    managementToken: text(profile.mgmt_token) ?? (await tokenFile(profile)),
    tls: { insecure: tls.insecure === true, ca: text(tls.ca), cert: text(tls.cert), key: text(tls.key) },
  }
}

async function read(file: string): Promise<Record<string, unknown>> {
  try {
    return parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new InfluxctlError(`failed to load config file ${file}: ${messageOf(error)}`)
  }
}

function profilesOf(file: string, config: Record<string, unknown>): Record<string, unknown>[] {
  for (const key of Object.keys(config))
    if (key !== 'profile')
      throw new InfluxctlError(`failed to load config file ${file}: unknown key "${key}"`)
  const profiles = Array.isArray(config.profile) ? (config.profile as Record<string, unknown>[]) : []
  for (const profile of profiles) check(file, profile, PROFILE, 'profile')
  return profiles
}

function check(file: string, value: Record<string, unknown>, shape: Shape, place: string): void {
  for (const [key, item] of Object.entries(value)) {
    const expected = shape[key]
    const here = `${place}.${key}`
    if (expected === undefined)
      throw new InfluxctlError(`failed to load config file ${file}: unknown key "${here}"`)
    if (typeof expected === 'object') {
      if (typeof item !== 'object' || item === null)
        throw new InfluxctlError(`failed to load config file ${file}: "${here}" must be a table`)
      check(file, item as Record<string, unknown>, expected, here)
    } else if (expected !== 'any' && typeof item !== expected)
      throw new InfluxctlError(`failed to load config file ${file}: "${here}" must be a ${expected}`)
  }
}

async function tokenFile(profile: Record<string, unknown>): Promise<string | undefined> {
  const auth = profile.auth as { token?: { token_file?: string } } | undefined
  const file = auth?.token?.token_file
  if (file === undefined) return undefined
  const content = (await readFile(file, 'utf8')).trim()
  return content.startsWith('{') ? text((JSON.parse(content) as { token?: unknown }).token) : content
}

function defaultPath(env: NodeJS.ProcessEnv): string {
  const home = env.HOME ?? homedir()
  if (platform() === 'win32') return join(env.APPDATA ?? home, 'influxctl', 'config.toml')
  if (platform() === 'darwin') return join(home, 'Library', 'Application Support', 'influxctl', 'config.toml')
  return join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'influxctl', 'config.toml')
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
