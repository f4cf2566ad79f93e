/** Paths and programs as a manifest names them. */
import { join, resolve } from 'node:path'
import type { Env } from './variables.ts'

export interface Place {
  /** The manifest's folder, absolute: what relative paths are relative to. */
  folder: string
  env: Env
}

/** Absolute; `~/` is the home folder. */
export function resolvePath(path: string, { folder, env }: Place): string {
  const home = env['HOME']
  return home !== undefined && /^~(\/|$)/.test(path) ? join(home, path.slice(1)) : resolve(folder, path)
}

/** Program and arguments. A program with a path is found from the manifest's folder, a bare name on PATH. */
export function resolveCommand(command: string | string[], place: Place): string[] {
  const [program = '', ...args] = typeof command === 'string' ? [command.trim()] : command
  return [program.includes('/') ? resolvePath(program, place) : program, ...args]
}
