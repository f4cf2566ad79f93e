import { ExitCode, Failure } from '../core/failure.ts'

export interface ListenAddress {
  host: string
  port: number
}

/** `127.0.0.1:9464`, `[::1]:9464`, `localhost:0`. @throws Failure `options/listen` (exit code 2) */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([\da-f:]+)\]|([^:[\]\s]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && Number(digits) <= 65_535) return { host, port: Number(digits) }
  throw new Failure('options/listen', `--listen: "${text}" is not an address and a port`, {
    remedy: "Say which of this machine's addresses and which port: --listen 127.0.0.1:9464",
    exit: ExitCode.manifest,
  })
}

/** Whether only this machine reaches it. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

export function showAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
