/** The systems that a policy's settings can be written for. Light, because the command line names them in its help. */
export const EXPORTS = ['kubevirt', 'nova', 'virsh', 'ch-remote'] as const;
export type ExportName = (typeof EXPORTS)[number];

export function isExport(name: string): name is ExportName {
  return (EXPORTS as readonly string[]).includes(name);
}
