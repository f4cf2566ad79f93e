/** Failures of both admin kinds, so that the same trouble has the same code and remedy. */
import { Failure } from '../core/failure.ts'

export function alreadyExists(message: string, where: string): Failure {
  return new Failure('admin/already-exists', message, {
    where,
    remedy: 'Run again: what exists is compared with the manifest and used.',
  })
}

export function unauthenticated(message: string, where: string): Failure {
  return new Failure('admin/unauthenticated', `the cluster does not accept the login: ${message}`, {
    where,
    remedy:
      'Check the management token. "influxctl management create" makes one for this cluster, which needs no browser; under ' +
      '"target.admin" write token: "${INFLUX_MANAGEMENT_TOKEN}". A database token cannot manage a cluster.',
  })
}

export function unreadable(what: string, where: string): Failure {
  return new Failure('admin/unreadable-answer', `cannot make sense of the answer: ${what}`, {
    where,
    remedy:
      'Check that target.url is the cluster itself, and the versions of cluster and influxctl; then report it.',
  })
}

/** Takes secrets out of text that somebody else wrote. */
export function redact(text: string, secrets: readonly string[]): string {
  let safe = text
  for (const secret of secrets) if (secret !== '') safe = safe.replaceAll(secret, '***')
  return safe
    .replace(/apiv1_[\w.~+/=-]+/g, 'apiv1_***')
    .replace(/\b(Bearer|Token) +[\w.~+/=-]{8,}/g, '$1 ***')
    .replace(/\beyJ[\w-]+\.[\w-]+(\.[\w-]+)?/g, '***')
}
