// @ts-check
// The size of the worker's /tmp. What was written is added up; only when the sum
// passes the quota is the folder measured, since files may have gone since.

const { lstatSync, readDirSync } = Deno;

let folder = "";
let quota = 0;
let sum = 0;

/** @param {string} tmp @param {number} bytes 0 for no quota */
export function setQuota(tmp, bytes) {
  folder = tmp;
  quota = bytes;
}

/**
 * Throws if bytes more do not fit.
 * @param {number} bytes
 */
export function countWrite(bytes) {
  if (!quota) return;
  sum += bytes;
  if (sum <= quota) return;
  sum = measure(folder) + bytes;
  if (sum > quota) {
    sum -= bytes;
    throw new Error("filesystem quota exceeded");
  }
}

/** @param {string} dir */
function measure(dir) {
  let bytes = 0;
  for (const entry of readDirSync(dir)) {
    const path = `${dir}/${entry.name}`;
    try {
      bytes += entry.isDirectory ? measure(path) : lstatSync(path).size;
    } catch {
      // It went away meanwhile.
    }
  }
  return bytes;
}
