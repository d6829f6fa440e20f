import type { RequestView } from './request-view.js';

/**
 * Whether no other site is behind a request that changes something. Browsers say where one comes from, in
 * `Sec-Fetch-Site` or at least in `Origin`; what says neither is no browser, and carries nobody's cookies by mistake.
 */
export function isSameOrigin(request: RequestView): boolean {
  const site = request.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = request.header('origin');
  return origin === undefined || hostsOf(request).includes(hostOf(origin));
}

/** Behind a proxy the host that the browser knows is the forwarded one. No page of another site can set either. */
function hostsOf(request: RequestView): string[] {
  const hosts = [request.header('host'), ...(request.header('x-forwarded-host') ?? '').split(',')];
  return hosts.flatMap((host) => (host?.trim() ? [host.trim().toLowerCase()] : []));
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
