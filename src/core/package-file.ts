/** A file that the package ships, by its path in it: the same way up from src/core, dist/core and dist/bundle. */
export function packageFile(path: string): URL {
  return new URL(`../../${path}`, import.meta.url)
}
