import { readFileSync } from 'node:fs'

const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Version of influx-ferry, from package.json: the same path from src/core and from dist/core. */
export const version = packageJson.version
