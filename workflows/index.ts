export { generateDataset } from './generate-dataset.ts';
