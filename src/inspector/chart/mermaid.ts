export function drawMermaid(): string { return ''; }
