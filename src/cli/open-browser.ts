/** Shows a page to the person who asked for it, where there is a screen to show it on. That nobody can is no failure. */
import { spawn } from 'node:child_process';

/** False: there is no display, so nothing was tried. `env` and `platform` are this process's unless given. */
export function openBrowser(
  url: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): boolean {
  const [command, ...args] = openerOn(platform, env);
  if (command === undefined) return false;
  try {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
    child.on('error', () => {});
    child.unref();
    return true;
  } catch {
    return false;
  }
}

function openerOn(platform: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['explorer'];
  const isShown = (env.DISPLAY ?? '') !== '' || (env.WAYLAND_DISPLAY ?? '') !== '';
  return isShown ? ['xdg-open'] : [];
}
