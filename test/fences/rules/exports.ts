// Exports have names.
export default 1; // refused: import(no-default-export)
