/** What somebody wishes to be other from the cursor on, as the keys that a branch sets and as the command line that does it. */

export const FAULT_KINDS = [
  'none',
  'link-down',
  'link-slow',
  'destination-dies',
  'guest-reset',
  'command-fails',
  'command-hangs',
  'command-slow',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface WishedFault {
  readonly kind: FaultKind;
  /** How long, of the link; how much later, of a command. */
  readonly forText: string;
  readonly percent: string;
  readonly device: string;
  readonly command: string;
  readonly errno: string;
}

export interface Wish {
  /** Empty: as it is. So are all that follow. */
  readonly rule: string;
  readonly manager: string;
  readonly bandwidth: string;
  readonly downtimeLimit: string;
  readonly maxBandwidth: string;
  readonly cancels: boolean;
  readonly fault: WishedFault;
  /** Other keys, `key=value` a line. */
  readonly others: string;
}

export const NOTHING_WISHED: Wish = {
  rule: '',
  manager: '',
  bandwidth: '',
  downtimeLimit: '',
  maxBandwidth: '',
  cancels: false,
  fault: { kind: 'none', forText: '1s', percent: '10%', device: '', command: 'sendRound', errno: 'EIO' },
  others: '',
};

/** Throws an Error with a sentence for a line that is no `key=value`. */
export function settingsOf(wish: Wish, atNs: number): Readonly<Record<string, string>> {
  const fault = faultText(wish.fault, atNs);
  const said: readonly (readonly [string, string])[] = [
    ['vmm.policy', wish.rule],
    ['manager.policy', wish.manager],
    ['link.bandwidth', wish.bandwidth],
    ['vmm.downtimeLimit', wish.downtimeLimit],
    ['vmm.maxBandwidth', wish.maxBandwidth],
    ['faults', fault === undefined ? '' : `[{ ${fault} }]`],
    ['cancel', wish.cancels ? 'now' : ''],
    ...linesOf(wish.others),
  ];
  return Object.fromEntries(said.map(([key, value]) => [key, value.trim()]).filter(([, value]) => value !== ''));
}

function linesOf(text: string): readonly (readonly [string, string])[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const equals = line.indexOf('=');
      if (equals < 1) throw new Error(`expected key=value such as vmm.maxBandwidth=1GiB/s, got "${line.trim()}"`);
      return [line.slice(0, equals).trim(), line.slice(equals + 1)] as const;
    });
}

/** As a scenario writes it. */
function faultText(fault: WishedFault, atNs: number): string | undefined {
  const { kind, forText, percent, device, command, errno } = fault;
  const at = `at: ${atNs / 1e6}ms`;
  const lasting = forText.trim() === '' ? '' : `, for: ${forText.trim()}`;
  switch (kind) {
    case 'none':
      return undefined;
    case 'link-down':
      return `happens: link-down, ${at}${lasting}`;
    case 'link-slow':
      return `happens: link-slow, ${at}, percent: ${percent}${lasting}`;
    case 'destination-dies':
      return `happens: destination-dies, ${at}`;
    case 'guest-reset':
      return `happens: guest-reset, ${at}, device: ${device}`;
    case 'command-fails':
      return `command: ${command}, fails: ${errno}`;
    case 'command-hangs':
      return `command: ${command}, hangs: true`;
    case 'command-slow':
      return `command: ${command}, slowBy: ${forText.trim() || '1s'}`;
    default:
      return kind satisfies never;
  }
}

export interface CommandLineOf {
  readonly source: string;
  readonly run: string;
  readonly position: number;
  readonly set: Readonly<Record<string, string>>;
  /** Where the branch is to be kept. */
  readonly journal?: string;
}

export function branchCommandLine({ source, run, position, set, journal }: CommandLineOf): string {
  const words = [
    ...['switchover', 'branch', source, '--run', run, '--at', String(position)],
    ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ...(journal === undefined ? [] : ['--journal', journal]),
  ];
  return words.map(quoted).join(' ');
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
