/** Answers other than success, as the cluster's APIs shape them. */

const CODES: Record<number, string> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  405: 'method not allowed',
  409: 'conflict',
  413: 'request too large',
  415: 'unsupported media type',
  422: 'unprocessable entity',
  429: 'too many requests',
  500: 'internal error',
  503: 'unavailable',
}

/** Ends the handling of a request with this status and JSON body. */
export class HttpError extends Error {
  readonly status: number
  /** 1-based line of a write's body, where there is one. */
  readonly line: number | undefined

  constructor(status: number, message: string, line?: number) {
    super(message)
    this.status = status
    this.line = line
  }
}

/** `{"code":"invalid","line":2,"message":"..."}`, as the write and query APIs answer. */
export function writeErrorBody(status: number, message: string, line?: number): string {
  return JSON.stringify({
    code: CODES[status] ?? 'internal error',
    ...(line !== undefined && { line }),
    message,
  })
}

/** `{"code":409,"message":"..."}`, as the management API answers. */
export function adminErrorBody(status: number, message: string): string {
  return JSON.stringify({ code: status, message })
}

/** What nginx sends instead of JSON. */
export function proxyErrorPage(status: number, reason: string): string {
  return `<html>\r\n<head><title>${status} ${reason}</title></head>\r\n<body>\r\n<center><h1>${status} ${reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
}
