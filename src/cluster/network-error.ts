/** Telling network errors apart, so that each gets its own remedy. */
import { Failure, ExitCode, messageOf, systemCodeOf } from '../core/failure.ts'

export type NetworkErrorKind =
  'name' | 'unreachable' | 'certificate' | 'protocol' | 'timeout' | 'reset' | 'other'

/** Raised by `http.ts` when a connection or an answer did not come in time, and when an answer broke off. */
export class NetworkError extends Error {
  readonly code: string
  constructor(code: 'EHOSTUNREACH' | 'ETIMEDOUT' | 'ECUT', message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

const KINDS: [RegExp, NetworkErrorKind][] = [
  [/^(ENOTFOUND|EAI_\w+)$/, 'name'],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EADDRNOTAVAIL)$/, 'unreachable'],
  [/^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT|INVALID_CA|HOSTNAME_MISMATCH)/, 'certificate'],
  [/^(EPROTO|ERR_SSL_|ERR_TLS_|HPE_)/, 'protocol'],
  [/^ETIMEDOUT$/, 'timeout'],
  [/^(ECONNRESET|EPIPE|ECUT|ECONNABORTED)$/, 'reset'],
]

export function kindOf(error: unknown): NetworkErrorKind {
  let kind: NetworkErrorKind = 'other'
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = String((cause as NodeJS.ErrnoException).code)
    kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? kind
  }
  return kind
}

/** One line for a person: what went wrong between here and the cluster. */
export function describeNetworkError(error: unknown): string {
  const code = systemCodeOf(error)
  // An AggregateError (one attempt for each address) has no message of its own.
  const message = messageOf(error) || messageOf(error instanceof AggregateError ? error.errors[0] : '')
  const line = message.split('\n', 1)[0] ?? ''
  // OpenSSL's messages hold addresses and lines of its source: 80CC:error:0A00010B:SSL routines:get_record:wrong version number:...
  const text = /\berror:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(line)?.[1] ?? line
  return code === undefined || text.includes(code) ? text : `${text} (${code})`
}

/** The failure for a cluster that could not be talked to. Codes: `cluster/unreachable`, `cluster/certificate`, ... */
export function connectionFailure(error: unknown, url: string): Failure {
  const kind = kindOf(error)
  const { code, what, remedy } = EXPLAINED[kind]
  return new Failure(code, `${what}: ${describeNetworkError(error)}`, {
    where: url,
    remedy,
    exit: ExitCode.failed,
    cause: error,
  })
}

const EXPLAINED: Record<NetworkErrorKind, { code: string; what: string; remedy: string }> = {
  name: {
    code: 'cluster/unknown-host',
    what: "the cluster's host name cannot be resolved",
    remedy: 'Check the host in target.url, and that this machine can resolve it (VPN, DNS).',
  },
  unreachable: {
    code: 'cluster/unreachable',
    what: 'the cluster cannot be reached',
    remedy: 'Check host and port in target.url, and that a firewall or VPN lets this machine through.',
  },
  certificate: {
    code: 'cluster/certificate',
    what: "the cluster's TLS certificate is not trusted",
    remedy:
      'If it is signed by your own authority, name the authority\'s PEM file: "target: { tls: { ca: /path/to/ca.pem } }".\n' +
      'If the name differs, use the name that the certificate was issued for in target.url.',
  },
  protocol: {
    code: 'cluster/protocol',
    what: 'what answers there does not speak the protocol that target.url names',
    remedy: 'Check http:// against https:// and the port in target.url.',
  },
  timeout: {
    code: 'cluster/timeout',
    what: 'the cluster did not answer in time',
    remedy: 'Check that target.url is the right one and that nothing in between swallows the traffic.',
  },
  reset: {
    code: 'cluster/reset',
    what: 'the connection to the cluster was cut',
    remedy: 'Check http:// against https:// in target.url, and the logs of the proxy before the cluster.',
  },
  other: {
    code: 'cluster/unreachable',
    what: 'the cluster cannot be talked to',
    remedy: 'Check target.url.',
  },
}
