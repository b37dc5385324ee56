import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 collect the buffers of bodies that pass through while they are young. It collects its young generation when 32 MiB of young buffers wait; V8 13.6 (Node 24) made
 * that 128 MiB, behind the 64 MiB at which it begins to mark the whole heap instead (nodejs/node#61967): a body of 1 GiB then leaves 50 to 80 MiB more resident
 * memory behind, and costs twice the CPU. This is the size from before. The flag is also one of the young generation's own size, but that is settled when a process starts.
 */
export function collectBuffersYoung(): void {
  setFlagsFromString('--scavenger-max-new-space-capacity-mb=8')
}
