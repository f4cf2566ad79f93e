import { expect, test } from 'vitest'
import { Failure } from '../../../src/core/failure.ts'
import { isLoopback, parseListenAddress, showAddress } from '../../../src/watch/listen-address.ts'

test.each([
  ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }, true],
  ['localhost:0', { host: 'localhost', port: 0 }, true],
  ['[::1]:9464', { host: '::1', port: 9464 }, true],
  ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }, false],
  ['[::]:80', { host: '::', port: 80 }, false],
  ['127.example.com:80', { host: '127.example.com', port: 80 }, false],
])('%s', (text, address, loopback) => {
  expect(parseListenAddress(text)).toEqual(address)
  expect(isLoopback(address)).toBe(loopback)
  expect(showAddress(address)).toBe(text)
})

test.each(['9464', ':9464', '127.0.0.1', '127.0.0.1:65536', '::1:9464', 'a b:1', 'http://x:1'])(
  '%s is no address and port',
  (text) => {
    expect(() => parseListenAddress(text)).toThrow(Failure)
  },
)
