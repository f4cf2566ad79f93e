import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { ExitCode, Failure, systemCodeOf } from '../../core/failure.ts'
import { parseBytes } from '../../core/units.ts'
import { writeFileAtomically } from '../../io/atomic-file.ts'
import { interruptSignal } from '../interrupt.ts'

interface SandboxFlags {
  host: string
  port: string
  dir?: string
  managementTokenFile?: string
  fault: string[]
  maxBody: string
  largeStrings?: boolean
}

export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('start a local stand-in for an InfluxDB Clustered cluster, to rehearse a migration')
    .option('--host <address>', 'address to listen at', '127.0.0.1')
    .option('--port <number>', 'port to listen at, 0 for a free one', '8086')
    .option('--dir <folder>', 'keep the data here, instead of in memory')
    .option(
      '--management-token-file <file>',
      'take the management token from this file; when it is missing, write a new one there',
    )
    .option(
      '--fault <spec>',
      'answer writes badly on purpose, e.g. 429@3, 503@2..4, reset@7 (repeatable)',
      collect,
      [],
    )
    .option('--max-body <size>', 'largest body, compressed and decompressed', '50MiB')
    .option('--large-strings', 'allow strings of 1 MiB, as some clusters are built, instead of 64 KiB')
    .enablePositionalOptions()
    .addCommand(influxctlCommand())
    .action(async (flags: SandboxFlags) => serve(flags))
}

function influxctlCommand(): Command {
  return new Command('influxctl')
    .description("act as influxctl does, against a sandbox (a manifest's admin.command can point here)")
    .argument('[arguments...]')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (argv: string[]) => {
      const { runInfluxctl } = await import('../../sandbox/influxctl.ts')
      process.exitCode = await runInfluxctl(argv, {
        stdout: (text) => void process.stdout.write(text),
        stderr: (text) => void process.stderr.write(text),
        env: process.env,
      })
    })
}

async function serve(flags: SandboxFlags): Promise<void> {
  const signal = interruptSignal()
  const { startSandbox } = await import('../../sandbox/server.ts')
  const file = flags.managementTokenFile
  const known = file === undefined ? undefined : await tokenIn(file)
  const sandbox = await startSandbox({
    host: flags.host,
    port: portOf(flags.port),
    faults: flags.fault,
    maxBodyBytes: sizeOf(flags.maxBody),
    ...(flags.dir !== undefined && { dir: flags.dir }),
    ...(known !== undefined && { managementToken: known }),
    ...(flags.largeStrings === true && { stringLimit: 2 ** 20 }),
  })
  if (file !== undefined && known === undefined)
    await writeFileAtomically(file, `${sandbox.managementToken}\n`, 0o600)
  process.stdout.write(greeting(sandbox.url, flags, sandbox.managementToken))
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await sandbox.close()
}

function greeting(url: string, flags: SandboxFlags, token: string): string {
  const file = flags.managementTokenFile
  const secret = file === undefined ? '${INFLUX_MANAGEMENT_TOKEN}' : `{ file: ${file} }`
  const shown =
    file === undefined
      ? `\nIts management token (for this sandbox only):\n  export INFLUX_MANAGEMENT_TOKEN=${token}\n`
      : ''
  return `A stand-in for InfluxDB Clustered listens at ${url}
It enforces the documented limits, but it is a rehearsal on DuckDB, not a cluster.
Data: ${flags.dir ?? 'in memory, gone when it stops'}
${shown}
In the manifest:
  target:
    url: ${url}
    admin: { kind: api, token: ${secret} }

Stop it with Ctrl-C.
`
}

async function tokenIn(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new Failure('sandbox/token-file', `cannot read the management token`, { where: file, cause: error })
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535)
    throw new Failure('sandbox/bad-port', `"${text}" is not a port`, { exit: ExitCode.manifest })
  return port
}

function sizeOf(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === undefined)
    throw new Failure('sandbox/bad-size', `"${text}" is not a size`, {
      remedy: 'Write 50MiB, 10MB or a number of bytes.',
      exit: ExitCode.manifest,
    })
  return bytes
}

function collect(value: string, all: string[]): string[] {
  return [...all, value]
}
