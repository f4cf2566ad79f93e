/** Process exit codes, as the README documents them. */
export const ExitCode = {
  done: 0,
  failed: 1,
  manifest: 2,
  refusedOrDiffers: 3,
  locked: 4,
  interrupted: 130,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface FailureDetails {
  /** Where: `file:line:column`, `db/rp/shard/series/time`, a URL or a path. */
  where?: string
  /** What the reader should do now. One sentence or a few lines. */
  remedy?: string
  /** How the process ends when nobody handles this. Default: {@link ExitCode.failed}. */
  exit?: ExitCode
  /** What lies underneath. Shown only with `--debug`; must not hold a secret. */
  cause?: unknown
}

/**
 * An expected failure: something the reader of the message can do something about. The command line prints
 * `code: message`, where, and the remedy, never a stack. Every other thrown value is a defect of influx-ferry.
 *
 * `code` is stable, kebab-case, and may be matched on (`source/not-found`, `write/unauthorized`).
 */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly where: string | undefined
  readonly remedy: string | undefined
  readonly exit: ExitCode

  constructor(code: string, message: string, details: FailureDetails = {}) {
    super(message, { cause: details.cause })
    this.code = code
    this.where = details.where
    this.remedy = details.remedy
    this.exit = details.exit ?? ExitCode.failed
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Why the system refused, without the path and the call that its message repeats: `permission denied (EACCES)`. */
export function reasonOf(thrown: unknown): string {
  const message = messageOf(thrown)
  const [, code, reason] = /^(E[A-Z0-9]+): (.*?), \w+(?: '|$)/s.exec(message) ?? []
  return code === undefined ? message : `${reason} (${code})`
}

/** The `code` of a Node.js system error (`ENOENT`, `ECONNREFUSED`), looked for along the chain of causes. */
export function systemCodeOf(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { code } = error as NodeJS.ErrnoException
    if (typeof code === 'string') return code
  }
  return undefined
}

/** A damaged TSM file or a sum that does not close says nothing about the next slice; a full disk or a missing program does. */
export function isOfOneSlice(error: unknown): error is Failure {
  return error instanceof Failure && error.code.startsWith('export/')
}
