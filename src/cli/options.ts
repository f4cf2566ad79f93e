/** Options that several commands share, each said once. */
import { Argument, Option } from 'commander'

export interface ManifestOptions {
  env?: string
  state?: string
  /** What `${VAR}` in the manifest stands for; the process's environment unless given. */
  variables?: Record<string, string | undefined>
}

export const manifestArgument = () => new Argument('<manifest>', 'the YAML manifest')
export const envOption = () => new Option('--env <name>', 'environment overlay of the manifest')
export const stateOption = () => new Option('--state <file>', 'state file (default: beside the manifest)')
export const jsonOption = (what: string) => new Option('--json', what)

/** The command line that does something with the same manifest, environment and state: `influx-ferry run m.yaml --env staging`. */
export function commandLine(command: string, file: string, { env, state }: ManifestOptions): string {
  const flags = [
    ...(env === undefined ? [] : ['--env', env]),
    ...(state === undefined ? [] : ['--state', state]),
  ]
  return ['influx-ferry', command, ...[file, ...flags].map(quoted)].join(' ')
}

/** The manifest is all that is needed, in another place too. */
export function waysToDoItAgain(file: string, options: ManifestOptions): string[] {
  return [
    commandLine('plan', file, options),
    commandLine('run', file, options),
    commandLine('verify', file, options),
    `${commandLine('report', file, options)} --out report.html`,
  ]
}

/** As a POSIX shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Takes an option again and again: `--mapping a --mapping b`. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
