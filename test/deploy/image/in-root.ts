export interface Mount {
  readonly from: string
  readonly to: string
  /** Although the rest is read-only. */
  readonly isWritable?: true
}

/** A file system that a command is run in. */
interface Root {
  /** Folders and files of this machine, and where they are seen. Nothing else is there but an empty /tmp. */
  readonly mounts: readonly Mount[]
  /** Number of the user and of the group; root's where none is given. */
  readonly user?: string
  /** All of it, /tmp included, as in a container with a read-only root. */
  readonly readOnly?: boolean
  readonly workdir: string
  readonly command: readonly string[]
}

/** The command line that makes it in a mount namespace of its own, which goes away with the command. Needs to be root, and util-linux. */
export function inRoot({ mounts, user, readOnly, workdir, command }: Root): [string, ...string[]] {
  const script = [
    'root=/mnt', // covered in this namespace only
    'mount -t tmpfs -o mode=0755 tmpfs $root',
    'mkdir -m 1777 $root/tmp',
    ...mounts.map(
      ({ from, to, isWritable }) => `see ${quote(from)} $root${quote(to)} ${isWritable === true ? 'rw' : 'ro'}`,
    ),
    ...(readOnly === true ? ['mount -o remount,ro $root'] : []),
    `exec unshare --root=$root --wd=${quote(workdir)} ${user === undefined ? '' : `--setgid=${user} --setuid=${user}`} "$@"`,
  ]
  const see = `see() {
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; touch "$2"; fi
  mount --rbind "$1" "$2"
  ${readOnly === true ? '[ "$3" = rw ] || mount -o remount,ro,bind "$2"' : ''}
}`
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', [see, ...script].join('\n'), 'sh', ...command]
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
