/** A stand-in for influxctl that acts as documented, against the sandbox's management API. */
import { messageOf } from '../core/failure.ts'
import { query, write } from './influxctl/data.ts'
import { database } from './influxctl/database.ts'
import { InfluxctlError, readFlags } from './influxctl/flags.ts'
import { readProfile } from './influxctl/profile.ts'
import type { Session, Version } from './influxctl/session.ts'
import { token } from './influxctl/token.ts'
import { HttpError } from './http-error.ts'

export interface InfluxctlIo {
  stdout: (text: string) => void
  stderr: (text: string) => void
  /** `INFLUXCTL_PROFILE`, and `INFLUX_FERRY_INFLUXCTL_VERSION` to answer like an older release (`2.9`). */
  env: NodeJS.ProcessEnv
}

const LATEST = '2.12.1'
const COMMANDS: Record<string, (session: Session, argv: string[]) => Promise<void>> = {
  database,
  token,
  query,
  write,
}

/** Runs `influxctl ARGV` and returns its exit code. Answers go to stdout, everything else to stderr. */
export async function runInfluxctl(argv: readonly string[], io: InfluxctlIo): Promise<number> {
  try {
    await run(argv, io)
    return 0
  } catch (error) {
    if (!(error instanceof InfluxctlError || error instanceof HttpError)) throw error
    io.stderr(`Error: ${messageOf(error)}\n`)
    return 1
  }
}

async function run(argv: readonly string[], { stdout, stderr, env }: InfluxctlIo): Promise<void> {
  const flags = readFlags(argv, {
    debug: 'boolean',
    trace: 'boolean',
    account: 'text',
    cluster: 'text',
    config: 'text',
    profile: 'text',
    timeout: 'text',
    help: 'boolean',
    h: 'boolean',
  })
  const [command = '', ...rest] = flags.rest
  const release = env.INFLUX_FERRY_INFLUXCTL_VERSION ?? LATEST
  if (command === 'version') {
    stdout(`influxctl v${release} (stand-in of influx-ferry's sandbox)\n`)
    return
  }
  if (command === '' || flags.has('help') || flags.has('h')) {
    stdout(`influxctl v${release} (stand-in): database, token, query, write, version\n`)
    return
  }
  const handler = COMMANDS[command]
  if (handler === undefined) throw new InfluxctlError(`No help topic for '${command}'`)
  const profile = await readProfile(flags.text('config'), flags.text('profile') ?? 'default', env)
  await handler({ profile, version: versionOf(release), stdout, stderr }, rest)
}

function versionOf(release: string): Version {
  const [major = 0, minor = 0, patch = 0] = release.split('.').map(Number)
  return [major, minor, patch]
}
