import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect the buffers of bodies that pass through while they are young: when 16 MiB of them wait, four times this size. V8 13.6 (Node 24) made 128 MiB of what had been 32, behind the
 * 64 MiB at which it begins to mark the whole heap instead (nodejs/node#61967): a body of 1 GiB then leaves 50 to 80 MiB more resident memory behind, and costs twice the CPU. With 32 MiB it was 68
 * once on a busy machine, and 42 at most with 16. The flag is also one of the young generation's own size, but that is settled when a process starts.
 */
export function collectBuffersYoung(): void {
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=4')
}
