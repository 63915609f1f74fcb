/** What can be other from a moment on, to be filled in; what is left empty stays as it is. */
import type { ComponentChildren } from 'preact';
import { COMMANDS } from '../../../../machines/words.ts';
import type { Choice, Choices } from '../../view/choices.ts';
import { FAULT_KINDS, type FaultKind, type Wish, type WishedFault } from '../branch-wish.ts';

interface WishFormProps {
  readonly wish: Wish;
  readonly choices: Choices;
  readonly devices: readonly string[];
  put(part: Partial<Wish>): void;
}

export function WishForm({ wish, put, choices, devices }: WishFormProps) {
  return (
    <div class="wish-form">
      <Chosen
        label="Rule of the vmm"
        name="rule"
        value={wish.rule}
        all={choices.rules}
        set={(rule) => put({ rule })}
        word="vmm.policy"
      />
      <Chosen
        label="Manager"
        name="manager"
        value={wish.manager}
        all={[{ name: 'none', description: 'nobody watches from now on' }, ...choices.managers]}
        set={(manager) => put({ manager })}
        word="manager.policy"
      />
      <Written label="Link" name="bandwidth" example="5Gbit/s" wish={wish} put={put} title="link.bandwidth" />
      <Written
        label="Downtime limit"
        name="downtimeLimit"
        example="500ms"
        wish={wish}
        put={put}
        title="vmm.downtimeLimit"
      />
      <Written
        label="Migration cap"
        name="maxBandwidth"
        example="1GiB/s"
        wish={wish}
        put={put}
        title="vmm.maxBandwidth"
      />
      <FaultFields fault={wish.fault} devices={devices} set={(fault) => put({ fault })} />
      <label class="check">
        <input
          type="checkbox"
          name="cancels"
          checked={wish.cancels}
          onChange={({ currentTarget }) => put({ cancels: currentTarget.checked })}
        />
        Cancel the migration now
      </label>
      <Field label="Other keys">
        <textarea
          name="others"
          rows={1}
          placeholder="manager.poll=1s"
          value={wish.others}
          onInput={({ currentTarget }) => put({ others: currentTarget.value })}
        />
      </Field>
    </div>
  );
}

function Field({
  label,
  title,
  children,
}: {
  readonly label: string;
  readonly title?: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among its children.
    <label class="field" title={title}>
      <span>{label}</span>
      {children}
    </label>
  );
}

interface ChosenProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly all: readonly Choice[];
  readonly word: string;
  set(name: string): void;
}

function Chosen({ label, name, value, all, word, set }: ChosenProps) {
  const chosen = all.find((one) => one.name === value);
  return (
    <>
      <Field label={label} title={word}>
        <select name={name} value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
          <option value="">as it is</option>
          {all.map((one) => (
            <option key={one.name} value={one.name} disabled={one.not !== undefined} title={one.not ?? one.description}>
              {one.not === undefined ? one.name : `${one.name} (${one.not})`}
            </option>
          ))}
        </select>
      </Field>
      {chosen !== undefined && <p class="field-word">{chosen.description}</p>}
    </>
  );
}

interface WrittenProps {
  readonly label: string;
  readonly title: string;
  readonly name: 'bandwidth' | 'downtimeLimit' | 'maxBandwidth';
  readonly example: string;
  readonly wish: Wish;
  put(part: Partial<Wish>): void;
}

function Written({ label, title, name, example, wish, put }: WrittenProps) {
  return (
    <Field label={label} title={title}>
      <input
        name={name}
        value={wish[name]}
        placeholder={`as it is, or ${example}`}
        onInput={({ currentTarget }) => put({ [name]: currentTarget.value })}
      />
    </Field>
  );
}

const FAULT_NAMES: Readonly<Record<FaultKind, string>> = {
  none: 'nothing goes wrong',
  'link-down': 'the link is down',
  'link-slow': 'the link is slow',
  'destination-dies': 'the destination dies',
  'guest-reset': 'the guest resets a device',
  'command-fails': 'a command fails',
  'command-hangs': 'a command is never answered',
  'command-slow': 'a command is answered late',
};

interface FaultFieldsProps {
  readonly fault: WishedFault;
  readonly devices: readonly string[];
  set(fault: WishedFault): void;
}

function FaultFields({ fault, devices, set }: FaultFieldsProps) {
  const { kind } = fault;
  const put = (part: Partial<WishedFault>) => set({ ...fault, ...part });
  const isOfCommand = kind.startsWith('command-');
  return (
    <>
      <Field label="Fault" title="faults">
        <select
          name="fault"
          value={kind}
          onChange={({ currentTarget }) =>
            put({ kind: currentTarget.value as FaultKind, device: fault.device || (devices[0] ?? '') })
          }
        >
          {FAULT_KINDS.filter((one) => one !== 'guest-reset' || devices.length > 0).map((one) => (
            <option key={one} value={one}>
              {FAULT_NAMES[one]}
            </option>
          ))}
        </select>
      </Field>
      {kind === 'guest-reset' && (
        <Field label="Device">
          <select
            name="device"
            value={fault.device}
            onChange={({ currentTarget }) => put({ device: currentTarget.value })}
          >
            {devices.map((device) => (
              <option key={device} value={device}>
                {device}
              </option>
            ))}
          </select>
        </Field>
      )}
      {isOfCommand && (
        <Field label="Which command" title="The next of these from the cursor on">
          <select
            name="command"
            value={fault.command}
            onChange={({ currentTarget }) => put({ command: currentTarget.value })}
          >
            {Object.keys(COMMANDS).map((command) => (
              <option key={command} value={command}>
                {command}
              </option>
            ))}
          </select>
        </Field>
      )}
      {kind === 'command-fails' && <FaultText label="With" name="errno" fault={fault} put={put} />}
      {kind === 'link-slow' && <FaultText label="To" name="percent" fault={fault} put={put} />}
      {(kind === 'link-down' || kind === 'link-slow') && (
        <FaultText label="For" name="forText" fault={fault} put={put} />
      )}
      {kind === 'command-slow' && <FaultText label="By" name="forText" fault={fault} put={put} />}
    </>
  );
}

interface FaultTextProps {
  readonly label: string;
  readonly name: 'errno' | 'percent' | 'forText';
  readonly fault: WishedFault;
  put(part: Partial<WishedFault>): void;
}

function FaultText({ label, name, fault, put }: FaultTextProps) {
  return (
    <Field label={label}>
      <input name={name} value={fault[name]} onInput={({ currentTarget }) => put({ [name]: currentTarget.value })} />
    </Field>
  );
}
