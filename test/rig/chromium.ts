/** Debian's Chromium without a window (scripts/install-test-servers.sh), for what a page looks like and does. */
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const chromiumPath = PATHS.find((path) => existsSync(path))

export function startChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error(`there is no Chromium at ${PATHS.join(', ')}`)
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  })
}
