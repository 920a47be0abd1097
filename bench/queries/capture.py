"""Rewrites a capture of scrapes (DIR/CHUNK/TARGET.txt, a scrape being the lines from
`# SCRAPE ms job instance` to `# SCRAPE_END ...`) into a thinner and longer one."""
import glob
import os
import shutil
import subprocess


def unpack(archive, folder):
    """The capture in `archive` below `folder`, unpacked once."""
    if not os.path.isdir(folder):
        os.makedirs(folder + '.part', exist_ok=True)
        subprocess.run(
            f"zstd -dc --long=27 '{archive}' | tar -x -C '{folder}.part'", shell=True, check=True
        )
        os.rename(folder + '.part', folder)
    return folder


def scrapes(path):
    """(milliseconds, the header's rest, the lines after it) of each finished scrape in a file."""
    head = None
    lines = []
    with open(path, 'rb') as file:
        for line in file:
            if line.startswith(b'# SCRAPE '):
                _, _, milliseconds, rest = line.split(b' ', 3)
                head = (int(milliseconds), rest)
                lines = []
            elif head is not None:
                lines.append(line)
                if line.startswith(b'# SCRAPE_END '):
                    yield head[0], head[1], lines
                    head = None


def targets(folder):
    return sorted({os.path.basename(path) for path in glob.glob(f'{folder}/*/*.txt')})


def rewrite(source, folder, every, copies_before=None, period_ms=0):
    """Writes every `every`-th scrape of each target to `folder`. With `copies_before` = n it is not
    the capture itself but n copies of it that are written, each `period_ms` earlier than the next,
    the last one as much earlier than the capture."""
    if os.path.isdir(folder):
        return folder
    shifts = [0] if copies_before is None else [-period_ms * k for k in range(copies_before, 0, -1)]
    partial = folder + '.part'
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial + '/0')
    for target in targets(source):
        kept = []
        count = 0
        for path in sorted(glob.glob(f'{source}/*/{target}')):
            for scrape in scrapes(path):
                if count % every == 0:
                    kept.append(scrape)
                count += 1
        with open(f'{partial}/0/{target}', 'wb') as out:
            for shift in shifts:
                for milliseconds, rest, lines in kept:
                    out.write(b'# SCRAPE %d %s' % (milliseconds + shift, rest))
                    out.writelines(lines)
    os.rename(partial, folder)
    return folder
