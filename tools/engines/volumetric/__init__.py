"""Published 3D segmentation networks: MONAI bundles and nnU-Net folders read as data, run window by window."""
