import { readFileSync } from 'node:fs';

/** One command of test/golden/kubectl.md as a person typed it, and what they saw. */
export type TypedCommand = {
  /** `section / title`, with ` (2)` for the second of one title in its section. */
  title: string;
  /** The whole shell text, here-document included. */
  script: string;
  stdout: string[];
  stderr: string[];
  exitCode: number;
};

/** Reads all commands, up to the part that tells of other versions. `spell` fits names and images to the cluster. */
export function loadTranscript(spell: (text: string) => string): TypedCommand[] {
  const text = spell(readFileSync(new URL('../golden/kubectl.md', import.meta.url), 'utf8'));
  const [told = ''] = text.split('\n## Where kubectl');
  const counts = new Map<string, number>();
  return told.split('\n## ').flatMap((section) => {
    const [heading = ''] = section.split('\n');
    return section
      .split('\n### ')
      .slice(1)
      .map((part) => {
        const plain = `${heading} / ${part.split('\n')[0]}`;
        const count = (counts.get(plain) ?? 0) + 1;
        counts.set(plain, count);
        return { title: count > 1 ? `${plain} (${count})` : plain, ...parseBlock(part) };
      });
  });
}

function parseBlock(part: string): Omit<TypedCommand, 'title'> {
  const block = /```\n\$ ([\s\S]*?)\n?```/.exec(part)?.[1] ?? '';
  const lines = block.split('\n');
  // A here-document belongs to the command.
  const end = lines[0]?.includes("<<'EOF'") ? lines.indexOf('EOF') : 0;
  const output = lines.slice(end + 1);
  const exit = /^\(exit code (\d+)\)$/.exec(output.at(-1) ?? '');
  const seen = exit ? output.slice(0, -1) : output;
  return {
    script: lines.slice(0, end + 1).join('\n'),
    // What came over time has the moment in front.
    stdout: seen.filter((line) => !line.startsWith('! ')).map((line) => line.replace(/^\+ *\d+ms +/, '')),
    stderr: seen.filter((line) => line.startsWith('! ')).map((line) => line.slice(2)),
    exitCode: Number(exit?.[1] ?? 0),
  };
}
