/** The composition root: commands, effects, and how a failure reaches the reader. */
import { Command, CommanderError, Option } from 'commander'
import { ExitCode, Failure } from '../core/failure.ts'
import { version } from '../core/version.ts'
import { showFailure } from './show-failure.ts'

const program = new Command('influx-ferry')
  .description(
    'Moves InfluxDB 1.x data to InfluxDB Clustered from a YAML manifest: resumable, exact, accounted for.',
  )
  .version(version)
  .addOption(new Option('--debug', 'show what lies under an error').env('INFLUX_FERRY_DEBUG'))
  .configureHelp({ showGlobalOptions: true })
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText(
    'after',
    `
A first migration:
  influx-ferry init --data-dir /var/lib/influxdb/data > manifest.yaml
  influx-ferry validate manifest.yaml
  influx-ferry plan manifest.yaml
  influx-ferry run manifest.yaml        (again after any interruption)
  influx-ferry report manifest.yaml --out report.html

Exit codes: 0 done, 1 failed, 2 the manifest or the command line is wrong, 3 done but points were refused or
differ, 4 another run holds the lock, 130 interrupted with the state saved.`,
  )

/** Only the command that is asked for is loaded: a rerun with nothing to do has to be quick. */
const commands: Record<string, () => Promise<Command>> = {
  init: async () => (await import('./commands/init.ts')).initCommand(),
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand(),
  validate: async () => (await import('./commands/validate.ts')).validateCommand(),
  plan: async () => (await import('./commands/plan.ts')).planCommand(),
  sample: async () => (await import('./commands/sample.ts')).sampleCommand(),
  run: async () => (await import('./commands/run.ts')).runCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  rerun: async () => (await import('./commands/rerun.ts')).rerunCommand(),
  retry: async () => (await import('./commands/retry.ts')).retryCommand(),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  report: async () => (await import('./commands/report.ts')).reportCommand(),
  sandbox: async () => (await import('./commands/sandbox.ts')).sandboxCommand(),
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
}

const asked = process.argv.slice(2).find((word) => Object.hasOwn(commands, word))
for (const [name, load] of Object.entries(commands)) {
  if (asked === undefined || name === asked) program.addCommand((await load()).exitOverride())
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.manifest
  else {
    process.stderr.write(showFailure(error, program.opts<{ debug?: boolean }>().debug === true))
    process.exitCode = error instanceof Failure ? error.exit : ExitCode.failed
  }
}
