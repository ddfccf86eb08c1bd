/** A part of /boot/loader.help: `# Ttopic Ssubtopic Ddescription`, and the text below it. */
interface HelpEntry {
  readonly topic: string;
  readonly subtopic?: string;
  readonly description?: string;
  readonly lines: readonly string[];
}

/** What `help` shows; undefined where there is nothing on the topic. */
export function helpOn(text: string, topic: string, subtopic?: string): string | undefined {
  const entries = parseHelp(text);
  if (topic === 'index') return entries.map(summary).join('');
  const start = entries.findIndex((entry) => entry.topic === topic);
  if (start < 0) return undefined;
  const length = entries.slice(start).findIndex((entry) => entry.topic !== topic);
  const own = entries.slice(start, length < 0 ? undefined : start + length);
  return own.map((entry) => show(entry, subtopic)).join('');
}

function show(entry: HelpEntry, subtopic: string | undefined): string {
  if (entry.subtopic === subtopic) return entry.lines.map((line) => `${line}\n`).join('');
  return subtopic === undefined ? summary(entry) : '';
}

function summary({ topic, subtopic, description }: HelpEntry): string {
  const name = subtopic === undefined ? topic : `${topic} ${subtopic}`;
  if (description === undefined) return `    ${name}\n`;
  return `    ${name}${' '.repeat(Math.max(31 - name.length, 1))}${description}\n`;
}

function parseHelp(text: string): readonly HelpEntry[] {
  const entries: (HelpEntry & { readonly lines: string[] })[] = [];
  let open = false;
  for (const line of text.split('\n')) {
    const head = line.startsWith('# ') ? parseHead(line.slice(2)) : undefined;
    if (head) entries.push({ ...head, lines: [] });
    open = head !== undefined || (open && !line.startsWith('#'));
    if (!head && open) entries.at(-1)?.lines.push(line);
  }
  return entries;
}

function parseHead(text: string): Omit<HelpEntry, 'lines'> | undefined {
  let topic: string | undefined;
  let subtopic: string | undefined;
  for (let rest = text; rest !== ''; ) {
    if (rest.startsWith('D')) return topic === undefined ? undefined : made(topic, subtopic, rest.slice(1));
    const space = rest.indexOf(' ');
    const word = space < 0 ? rest : rest.slice(0, space);
    if (word.startsWith('T')) topic ??= word.slice(1);
    else if (word.startsWith('S')) subtopic ??= word.slice(1);
    rest = space < 0 ? '' : rest.slice(space + 1);
  }
  return topic === undefined ? undefined : made(topic, subtopic, undefined);
}

function made(topic: string, subtopic?: string, description?: string): Omit<HelpEntry, 'lines'> {
  return {
    topic,
    ...(subtopic !== undefined && { subtopic }),
    ...(description !== undefined && { description }),
  };
}
