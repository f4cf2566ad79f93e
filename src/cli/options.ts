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

/** Takes an option again and again: `--mapping a --mapping b`. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
