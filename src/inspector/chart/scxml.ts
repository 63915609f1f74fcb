export function drawScxml(): string { return ''; }
