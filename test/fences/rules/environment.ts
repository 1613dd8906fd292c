// The environment is read in config.ts alone.
export const home = process.env['HOME']; // refused: node(no-process-env)
