import { readFileSync } from 'node:fs'
import { packageFile } from './package-file.ts'

const packageJson = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }

/** Version of influx-ferry, from package.json. */
export const version = packageJson.version
