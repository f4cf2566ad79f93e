/** Databases and tokens by way of influxctl, the documented command line tool. */
import { Failure } from '../core/failure.ts'
import { runToEnd, type Finished } from '../io/process.ts'
import { resolveSecret } from '../io/secrets.ts'
import type { Admin, Target } from '../manifest/migration.ts'
import { alreadyExists, redact, unauthenticated, unreadable } from './admin-failure.ts'
import type { ClusterAdmin } from './cluster.ts'
import { readCreatedToken, readDatabases, readTokens } from './influxctl-answers.ts'
import {
  createDatabaseArguments,
  createTokenArguments,
  limitsOf,
  updateDatabaseArguments,
} from './influxctl-arguments.ts'
import { writeTemporaryProfile } from './influxctl-profile.ts'

/** Milliseconds. influxctl gives its own calls a minute; beyond that it waits for a person at a browser. */
const TIMEOUT = 90_000

/**
 * With a management token a temporary profile is written, which `close` removes; else the user's own is used.
 *
 * @throws Failure `secret/...`
 */
export async function openInfluxctl(
  target: Target,
  admin: Extract<Admin, { kind: 'influxctl' }>,
  signal: AbortSignal,
): Promise<ClusterAdmin> {
  const token = admin.token && (await resolveSecret(admin.token, signal))
  const temporary = token === undefined ? undefined : await writeTemporaryProfile(target, token)
  const config = temporary?.path ?? admin.config
  const profile = temporary?.name ?? admin.profile
  const leading = [
    ...(config === undefined ? [] : ['--config', config]),
    ...(profile === undefined ? [] : ['--profile', profile]),
  ]
  const secrets = token === undefined ? [] : [token]

  const run = async (args: string[], signal: AbortSignal): Promise<string> => {
    const where = `influxctl ${args.slice(0, 2).join(' ')}`
    const finished = await runInfluxctl(admin.command, [...leading, ...args], signal, where)
    if (finished.exitCode !== 0) throw failureOf(finished, where, secrets)
    return finished.stdout
  }
  const listDatabases = async (signal: AbortSignal) =>
    readDatabases(await run(['database', 'list', '--format', 'json'], signal))

  return {
    listDatabases,
    async createDatabase(spec, signal) {
      await run(createDatabaseArguments(spec), signal)
    },
    async updateDatabase(name, change, signal) {
      const isWhole = change.maxTables !== undefined && change.maxColumns !== undefined
      const now = isWhole
        ? undefined
        : (await listDatabases(signal)).find((database) => database.name === name)
      const limits = limitsOf(change, { maxTables: now?.maxTables, maxColumns: now?.maxColumns })
      await run(updateDatabaseArguments(name, { ...change, ...limits }), signal)
    },
    async listTokens(signal) {
      return readTokens(await run(['token', 'list', '--format', 'json'], signal))
    },
    async createToken(spec, signal) {
      const token = readCreatedToken(await run(createTokenArguments(spec), signal))
      if (token === undefined) throw unreadable('there is no token in it', 'influxctl token create')
      return token
    },
    async close() {
      await temporary?.remove()
    },
  }
}

async function runInfluxctl(
  command: readonly string[],
  args: readonly string[],
  signal: AbortSignal,
  where: string,
): Promise<Finished> {
  try {
    return await runToEnd(command, args, { signal, timeout: TIMEOUT })
  } catch (error) {
    if (error instanceof Failure && error.code === 'process/timeout')
      throw unauthenticated(`influxctl waited ${TIMEOUT / 1000} s, probably for a login in a browser`, where)
    throw error
  }
}

function failureOf(
  { exitCode, stderr, stdout }: Finished,
  where: string,
  secrets: readonly string[],
): Failure {
  const text = redact(stderr.trim() === '' ? stdout : stderr, secrets)
  const lines = text.split('\n').map((line) => line.trim())
  // Warnings come before the error.
  const first = lines.find((line) => line !== '' && !/^(warn|info|debug)/i.test(line)) ?? lines[0] ?? ''
  const message = first === '' ? `influxctl ended with exit code ${exitCode}` : first.slice(0, 500)
  if (/ALREADY_?EXISTS|already exists/i.test(text)) return alreadyExists(message, where)
  if (/unimplemented/i.test(text)) {
    return new Failure('admin/unsupported', `the cluster does not know what influxctl asks for: ${message}`, {
      where,
      remedy:
        'influxctl 2.8.0 and later need InfluxDB Clustered 20240326-922145 or later: use an older influxctl, or upgrade the cluster.',
    })
  }
  if (/unauthenticated|permission ?denied|\b401\b|expired|log ?in|browser|device code|oauth/i.test(text))
    return unauthenticated(message, where)
  return new Failure('admin/influxctl', message, {
    where,
    remedy: 'Run the same influxctl command by hand, with --debug, to see more.',
  })
}
