"""The engine: one pipeline over ``[row, lane]`` arrays that steps all lanes of an environment."""
